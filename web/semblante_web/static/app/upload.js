// The upload page: choose or drop, check, send with progress, and go to the job.

import { fromDrop, fromInput, select } from "./files.js";
import { fill, number, plural, size } from "./format.js";
import { Progress } from "./progress.js";
import { send, unfinished } from "./send.js";

const form = document.getElementById("upload-form");
const zone = document.getElementById("drop-zone");
const inputs = [document.getElementById("files"), document.getElementById("folder")];
const messages = JSON.parse(form.dataset.messages);
const codes = JSON.parse(form.dataset.codes);
const maxBytes = Number(form.dataset.maxBytes);
const maxImageBytes = Number(form.dataset.maxImageBytes);
const NOT_OPTIONS = ["file", "url", "note"];
const SPENT_CODES = ["upload_not_found", "upload_missing", "idempotency_mismatch"]; // by which an upload makes no job any more
const part = (id) => document.getElementById(id);

let selection = null;
let sending = null;

function say(problem, values = {}) {
  part("problem").hidden = !problem;
  part("problem").textContent = problem ? fill(messages[problem], { limit: size(maxBytes), ...values }) : "";
}

function choose(chosen) {
  const found = select(chosen, maxBytes, maxImageBytes);
  say(found.problem, { name: found.name });
  selection = found.problem ? null : found;
  part("selection").hidden = !selection;
  form.classList.toggle("has-selection", Boolean(selection));
  if (!selection) return;
  form.elements.url.value = "";
  const { items, bytes, leftOut, tooLarge } = selection;
  const values = { name: items[0].name, count: number(items.length), size: size(bytes) };
  const lines = [fill(messages[items.length === 1 ? "one_file" : "many_files"], values)];
  if (leftOut) lines.push(fill(plural(messages, "left_out", leftOut), { count: number(leftOut) }));
  if (tooLarge) lines.push(fill(plural(messages, "too_large_images", tooLarge), { count: number(tooLarge), limit: size(maxImageBytes) }));
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
  for (const id of ["options", "by-url", "send"]) part(id).hidden = isSending;
  zone.hidden = isSending;
  part("clear").hidden = isSending;
  part("pause").hidden = true;
}

/** Makes the job over `{upload_id}` or `{url}` with the form's options, and returns its id. */
async function createJob(source) {
  const given = [...new FormData(form)].filter(([name, value]) => value && !NOT_OPTIONS.includes(name));
  const note = form.elements.note.value.trim();
  const body = { ...Object.fromEntries(given), ...source, metadata: note ? { note } : {} };
  const headers = { "Content-Type": "application/json" };
  if (source.upload_id) headers["Idempotency-Key"] = source.upload_id;
  const answer = await fetch(form.dataset.jobs, { method: "POST", headers, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) {
    if (SPENT_CODES.includes(found.code) && selection) selection.upload = null;
    throw new Error(codes[found.code] ?? found.detail);
  }
  return found.id;
}

/** Returns why sending failed, in the server's words when it answered. */
function reason(error) {
  const body = error.originalResponse?.getBody?.();
  if (body) {
    try {
      const { code, detail } = JSON.parse(body);
      return codes[code] ?? detail;
    } catch {
      return error.message;
    }
  }
  return error.originalRequest || error instanceof TypeError ? messages.offline : error.message;
}

/** Sends the selection and returns the upload; a pause and its end are the button's. What the server has, as when
 * it refused the options, is not sent again. */
async function upload() {
  if (selection.upload) return { upload_id: selection.upload };
  const title = selection.items.length === 1 ? messages.sending : messages.packing;
  const progress = new Progress(title, messages);
  sending = send(selection.items, form.dataset.uploads, (sent, total) => progress.show(sent, total));
  sending.progress = progress;
  part("pause").textContent = messages.pause;
  part("pause").hidden = false;
  selection.upload = await sending.promise;
  part("pause").hidden = true;
  return { upload_id: selection.upload };
}

async function submit(event) {
  event.preventDefault();
  if (sending) return;
  const url = form.elements.url.value.trim();
  if (!selection && !url) {
    say("nothing");
    return;
  }
  say(null);
  show(true);
  part("sending-bar").value = 0;
  part("sending-text").textContent = "";
  part("sending-percent").textContent = "";
  try {
    const source = selection ? await upload() : { url };
    part("sending-title").textContent = selection ? messages.starting : messages.fetching;
    if (!selection) part("sending-bar").removeAttribute("value");
    part("cancel").hidden = true;
    window.location.assign(form.dataset.jobPage.replace("JOB", await createJob(source)));
  } catch (error) {
    sending = null;
    show(false);
    part("cancel").hidden = false;
    say("failed", { reason: reason(error) });
  }
}

function pauseOrResume() {
  sending.isPaused = !sending.isPaused;
  part("pause").textContent = sending.isPaused ? messages.resume : messages.pause;
  if (sending.isPaused) {
    sending.pause();
    sending.progress.rest();
  } else {
    sending.progress.goOn();
    sending.resume();
  }
}

/** Tells of files that an earlier page did not send to their end. */
function remind() {
  const [first] = unfinished();
  part("unfinished").hidden = !first;
  if (!first) return;
  const message = first.count > 1 ? messages.unfinished_images : messages.unfinished;
  part("unfinished-text").textContent = fill(message, { name: first.name, count: number(first.count) });
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

form.elements.url.addEventListener("input", () => {
  if (form.elements.url.value && selection) clear(); // the URL is meant now
});
part("pause").addEventListener("click", pauseOrResume);
part("forget").addEventListener("click", () => {
  unfinished().forEach(({ key }) => localStorage.removeItem(key));
  remind();
});
remind();
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
