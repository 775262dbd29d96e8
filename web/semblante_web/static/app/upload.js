// The upload page: choose or drop, check, send with progress, and go to the job.

import { fromDrop, fromInput, select } from "./files.js";
import { duration, fill, number, percent, size } from "./format.js";
import { send } from "./send.js";

const form = document.getElementById("upload-form");
const zone = document.getElementById("drop-zone");
const inputs = [document.getElementById("files"), document.getElementById("folder")];
const messages = JSON.parse(form.dataset.messages);
const maxBytes = Number(form.dataset.maxBytes);
const part = (id) => document.getElementById(id);

let selection = null;
let sending = null;

function say(problem, values = {}) {
  part("problem").hidden = !problem;
  part("problem").textContent = problem ? fill(messages[problem], { limit: size(maxBytes), ...values }) : "";
}

function choose(chosen) {
  const found = select(chosen, maxBytes);
  say(found.problem, { name: found.name });
  selection = found.problem ? null : found;
  part("selection").hidden = !selection;
  form.classList.toggle("has-selection", Boolean(selection));
  if (!selection) return;
  const { items, bytes, leftOut } = selection;
  const values = { name: items[0].name, count: number(items.length), size: size(bytes) };
  const lines = [fill(messages[items.length === 1 ? "one_file" : "many_files"], values)];
  if (leftOut) lines.push(fill(messages.left_out, { count: number(leftOut) }));
  part("selection-text").textContent = lines.join(" · ");
}

function clear() {
  inputs.forEach((input) => { input.value = ""; });
  selection = null;
  part("selection").hidden = true;
  form.classList.remove("has-selection");
  say(null);
}

function show(isSending) {
  part("sending").hidden = !isSending;
  part("options").hidden = isSending;
  zone.hidden = isSending;
  part("clear").hidden = isSending;
}

function follow(title) {
  const began = performance.now();
  part("sending-title").textContent = title;
  return (sent, total) => {
    const seconds = (performance.now() - began) / 1000;
    const speed = sent / Math.max(seconds, 0.1);
    part("sending-bar").value = sent / total;
    part("sending-percent").textContent = percent(sent / total);
    const left = duration((total - sent) / Math.max(speed, 1));
    const values = { sent: size(sent), total: size(total), speed: size(speed), left };
    part("sending-text").textContent = fill(messages.progress, values);
  };
}

async function createJob(uploadId) {
  const { model, detect, lang, webhook } = form.elements;
  const body = { upload_id: uploadId, model: model.value, detect: detect.value, lang: lang.value };
  if (webhook.value) body.webhook = webhook.value;
  const headers = { "Content-Type": "application/json", "Idempotency-Key": uploadId };
  const answer = await fetch(form.dataset.jobs, { method: "POST", headers, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail);
  return found.id;
}

/** Returns why sending failed, in the server's words when it answered. */
function reason(error) {
  const body = error.originalResponse?.getBody?.();
  if (body) {
    try {
      return JSON.parse(body).detail;
    } catch {
      return error.message;
    }
  }
  return error.originalRequest || error instanceof TypeError ? messages.offline : error.message;
}

async function submit(event) {
  event.preventDefault();
  if (sending) return;
  if (!selection) {
    say("nothing");
    return;
  }
  say(null);
  show(true);
  part("sending-bar").value = 0;
  part("sending-text").textContent = "";
  part("sending-percent").textContent = "";
  const title = selection.items.length === 1 ? messages.sending : messages.packing;
  try {
    sending = send(selection.items, form.dataset.uploads, follow(title));
    const uploadId = await sending.promise;
    part("sending-title").textContent = messages.starting;
    part("cancel").hidden = true;
    window.location.assign(form.dataset.jobPage.replace("JOB", await createJob(uploadId)));
  } catch (error) {
    sending = null;
    show(false);
    part("cancel").hidden = false;
    say("failed", { reason: reason(error) });
  }
}

async function cancel() {
  const current = sending;
  sending = null;
  show(false);
  say("cancelled");
  // The server forgets what it has; if it cannot be reached, it forgets in time by itself.
  await current?.cancel().catch(() => {});
}

function overZone(event, isOver) {
  event.preventDefault();
  zone.classList.toggle("is-over", isOver);
}

inputs.forEach((input) => input.addEventListener("change", () => choose(fromInput(input))));
zone.addEventListener("dragover", (event) => overZone(event, true));
zone.addEventListener("dragleave", (event) => overZone(event, false));
zone.addEventListener("drop", async (event) => {
  overZone(event, false);
  choose(await fromDrop(event.dataTransfer));
});
form.addEventListener("submit", submit);
part("clear").addEventListener("click", clear);
part("cancel").addEventListener("click", cancel);
document.querySelectorAll("[data-script-only]").forEach((element) => { element.hidden = false; });
window.addEventListener("beforeunload", (event) => {
  if (sending && !part("cancel").hidden) event.preventDefault();
});
