/* The button to the chat leaves while the chat is in view. */
const chat = document.querySelector("#mellm-chat");
if (chat) {
  const link = element.querySelector("a");
  new IntersectionObserver(([seen]) => link.classList.toggle("away", seen.isIntersecting), { threshold: 0.05 }).observe(chat);
}
