/* What concerns the chat as a whole. Its parts may appear after this script. */
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const when = (selector, act) => {
  const node = document.querySelector(selector);
  if (node) act(node);
  else setTimeout(() => when(selector, act), 50);
};
const observe = (node, act) => { act(); new MutationObserver(act).observe(node, { childList: true, subtree: true }); };

/* The button to the chat leaves while the chat is in view. */
when("#mellm-chat", (chat) => {
  const link = element.querySelector("a");
  new IntersectionObserver(([seen]) => link.classList.toggle("away", seen.isIntersecting), { threshold: 0.05 }).observe(chat);
});

/* A new question goes to the top of what is seen, and its answer grows below it. */
when("#mellm-chatbot", (chatbot) => {
  let asked = 0;
  observe(chatbot, () => {
    const questions = chatbot.querySelectorAll(".user-row");
    const more = questions.length > asked;
    asked = questions.length;
    if (!more) return;
    const last = questions[asked - 1];
    const pane = chatbot.querySelector(".bubble-wrap");
    const behavior = calm.matches ? "auto" : "smooth";
    if (innerWidth < 1000) last.scrollIntoView({ block: "start", behavior });
    else if (pane) pane.scrollTo({ top: pane.scrollTop + last.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8, behavior });
  });
});

/* Gradio's two buttons in the box are pictures without a name. */
when("#mellm-question", (box) => observe(box, () => {
  for (const [selector, label] of [[".submit-button", "Send"], [".stop-button", "Stop"]]) {
    const button = box.querySelector(selector);
    if (button && button.title !== label) { button.setAttribute("aria-label", label); button.title = label; }
  }
}));
