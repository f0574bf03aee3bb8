/* What concerns the chat as a whole. Its parts may appear after this script. */
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const when = (selector, act) => {
  const node = document.querySelector(selector);
  if (node) act(node);
  else setTimeout(() => when(selector, act), 50);
};
const observe = (node, act) => { act(); new MutationObserver(act).observe(node, { childList: true, subtree: true, characterData: true }); };

/* The button to the chat leaves while the chat is in view. */
when("#mellm-chat", (chat) => {
  const link = element.querySelector("a");
  new IntersectionObserver(([seen]) => link.classList.toggle("away", seen.isIntersecting), { threshold: 0.05 }).observe(chat);
});

/* A new question goes to the top of what is seen and its answer grows below it, until somebody scrolls. */
when("#mellm-chatbot", (chatbot) => {
  let asked = 0;
  let following = false;
  const rest = () => { following = false; };
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(kind, rest, { passive: true });
  const follow = () => {
    const questions = chatbot.querySelectorAll(".user-row");
    if (questions.length > asked) following = true;
    asked = questions.length;
    if (!following || !asked) return;
    const top = questions[asked - 1].getBoundingClientRect().top;
    const pane = chatbot.querySelector(".bubble-wrap");
    if (innerWidth < 1000) scrollTo({ top: scrollY + top - 12 });
    else if (pane) pane.scrollTop += top - pane.getBoundingClientRect().top - 8;
  };
  observe(chatbot, follow);
  new ResizeObserver(follow).observe(chatbot); // suggestions come back below it and would cover the answer
});

/* Gradio's two buttons in the box are pictures without a name. */
when("#mellm-question", (box) => observe(box, () => {
  for (const [selector, label] of [[".submit-button", "Send"], [".stop-button", "Stop"]]) {
    const button = box.querySelector(selector);
    if (button && button.title !== label) { button.setAttribute("aria-label", label); button.title = label; }
  }
}));

/* A browser need not play what can be measured: an old codec is no error. */
observe(document.body, () => {
  for (const toast of document.querySelectorAll(".toast-body")) {
    if (toast.textContent.includes("Video not playable")) toast.remove();
  }
});
