const draw = () => {
  element.replaceChildren();
  const items = props.value || [];
  if (!items.length) return;
  const title = document.createElement("p");
  title.className = "examples-title subdued";
  title.textContent = "Or try an example";
  const list = document.createElement("div");
  list.className = "examples-list";
  for (const item of items) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.setAttribute("aria-label", `Analyse the example: ${item.caption}, synthetic`);
    if (item.poster) {
      const image = document.createElement("img");
      image.src = item.poster;
      image.alt = "";
      button.append(image);
    }
    const words = document.createElement("span");
    words.className = "example-words";
    const caption = document.createElement("b");
    caption.textContent = item.caption;
    const mark = document.createElement("span");
    mark.className = "badge";
    mark.textContent = "synthetic";
    words.append(caption, mark);
    button.append(words);
    button.addEventListener("click", () => trigger("chosen", { key: item.key }));
    list.append(button);
  }
  element.append(title, list);
};
draw();
watch("value", draw);
