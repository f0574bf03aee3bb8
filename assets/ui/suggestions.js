const draw = () => {
  element.replaceChildren();
  const list = document.createElement("div");
  list.className = "suggestions-list";
  for (const question of props.value || []) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = question;
    button.addEventListener("click", () => trigger("asked", { question }));
    list.append(button);
  }
  element.append(list);
};
draw();
watch("value", draw);
