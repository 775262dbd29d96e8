// Keys of the review: each presses the button that names it; Enter agrees with the model.

function buttonFor(key) {
  if (key === "Enter") return document.querySelector("#review [data-agree]");
  return document.querySelector(`#review [data-key="${CSS.escape(key)}"]`);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  // A key pressed before the next face is there is not meant for it.
  if (document.querySelector("#review .htmx-request")) return;
  // Enter on a link or a button that has the focus is its own.
  if (event.key === "Enter" && event.target !== document.body) return;
  const button = buttonFor(event.key);
  if (!button) return;
  event.preventDefault();
  button.click();
});
