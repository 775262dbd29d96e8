// Says so when what htmx sends, or asks for again and again, gets no answer or a refusal; else nothing would happen.

import { fill } from "./format.js";

const place = document.getElementById("no-answer");

function say(text) {
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

document.body.addEventListener("htmx:sendError", () => say(place.dataset.offline));
document.body.addEventListener("htmx:responseError", ({ detail }) => say(fill(place.dataset.refused, { status: detail.xhr.status })));
document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) say("");
});
