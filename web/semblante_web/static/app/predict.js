// The page for one image: a preview, also of a dropped one. htmx sends the form.

const form = document.getElementById("predict-form");
const input = document.getElementById("image");
const address = document.getElementById("url");
const zone = document.getElementById("drop-zone");
const preview = document.getElementById("preview");

function show() {
  const [file] = input.files;
  if (file) address.value = "";
  if (preview.src) URL.revokeObjectURL(preview.src);
  document.getElementById("image-name").textContent = file ? file.name : "";
  document.getElementById("preview-hint").hidden = Boolean(file);
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
}

function over(event, isOver) {
  event.preventDefault();
  zone.classList.toggle("is-over", isOver);
}

input.addEventListener("change", show);
address.addEventListener("input", () => {
  if (!address.value || !input.files.length) return;
  input.value = ""; // the URL is meant now
  show();
});
preview.addEventListener("error", () => { preview.hidden = true; }); // a format that browsers cannot show
zone.addEventListener("dragover", (event) => over(event, true));
zone.addEventListener("dragleave", (event) => over(event, false));
zone.addEventListener("drop", (event) => {
  over(event, false);
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  show();
  form.requestSubmit();
});
document.querySelectorAll("[data-script-only]").forEach((element) => { element.hidden = false; });
