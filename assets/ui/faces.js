const draw = () => {
  element.replaceChildren();
  const value = props.value;
  if (!value || value.faces.length < 2) return;
  const box = document.createElement("div");
  box.className = "faces-list";
  box.setAttribute("role", "radiogroup");
  box.setAttribute("aria-label", "Which face");
  const title = document.createElement("span");
  title.className = "subdued";
  title.textContent = "Faces";
  box.append(title);
  for (const face of value.faces) {
    const button = document.createElement("button");
    const chosen = face.id === value.chosen;
    button.type = "button";
    button.className = chosen ? "face chosen" : "face";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(chosen));
    button.setAttribute("aria-label", `Face ${face.id}, ${face.seen}`);
    button.title = face.seen;
    const image = document.createElement("img");
    image.src = face.src;
    image.alt = "";
    const number = document.createElement("b");
    number.textContent = face.id;
    button.append(image, number);
    button.addEventListener("click", () => chosen || trigger("chosen", { id: face.id }));
    box.append(button);
  }
  element.append(box);
};
draw();
watch("value", draw);
