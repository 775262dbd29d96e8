// The live page: frames go to the server one after another, and faces are drawn over the camera.

import { Camera, CameraProblem } from "./camera.js";
import { fill, number, percent } from "./format.js";
import { Tracks } from "./tracks.js";

const IN_FLIGHT = 2; // frames at a time: one is labelled while the next one travels
const LEAST_MS = 40; // between two frames
const RATE_MS = 2000; // over which frames are counted

const part = (id) => document.getElementById(id);
const page = part("live");
const messages = JSON.parse(page.dataset.messages);
const names = JSON.parse(page.dataset.names);
const model = part("model");
const overlay = part("overlay");
const camera = new Camera(part("camera"), () => stop("lost"));

let run = null; // what belongs to one run of the camera; null while it is off

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const nameOf = (emotion) => names[model.value]?.[emotion] ?? emotion;

function show(isOn) {
  part("start").hidden = isOn;
  part("stop").hidden = !isOn;
  part("live-hint").hidden = isOn;
  if (isOn) return;
  part("live-rate").textContent = "";
  overlay.getContext("2d").clearRect(0, 0, overlay.width, overlay.height);
}

function say(problem, values = {}) {
  part("live-problem").hidden = !problem;
  part("live-problem").textContent = problem ? fill(messages[problem], values) : "";
}

async function start() {
  say(null);
  part("start").disabled = true;
  part("live-hint").textContent = messages.starting;
  try {
    await camera.open();
    run = { tracks: new Tracks(), inFlight: 0, sent: 0, answered: 0, times: [], last: 0, size: null };
    show(true);
    requestAnimationFrame(step);
  } catch (error) {
    if (!(error instanceof CameraProblem)) throw error;
    stop(error.message);
  } finally {
    part("start").disabled = false;
  }
}

function stop(problem, values) {
  run = null;
  camera.close();
  part("live-hint").textContent = part("live-hint").dataset.off;
  show(false);
  say(problem, values);
}

function step(now) {
  if (!run) return;
  if (run.inFlight < IN_FLIGHT && now - run.last >= LEAST_MS) {
    run.last = now;
    send(run);
  }
  draw();
  requestAnimationFrame(step);
}

async function send(mine) {
  mine.inFlight += 1;
  mine.sent += 1;
  const [turn, began] = [mine.sent, performance.now()];
  try {
    const found = await ask(await camera.frame());
    if (run !== mine || turn < mine.answered) return; // stopped, or a later frame was quicker
    mine.answered = turn;
    mine.size = found;
    mine.tracks.update(found.faces);
    report(mine, performance.now() - began);
  } catch (error) {
    if (run !== mine) return;
    if (error instanceof TypeError) stop("offline");
    else stop("refused", { reason: error.message });
  } finally {
    mine.inFlight -= 1;
  }
}

async function ask(frame) {
  const form = new FormData();
  form.append("file", frame, "frame.jpg");
  form.append("model", model.value);
  form.append("detect", "on");
  const answer = await fetch(page.dataset.predict, { method: "POST", body: form });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail);
  return found;
}

function report(mine, delay) {
  const now = performance.now();
  mine.times = [...mine.times.filter((time) => now - time < RATE_MS), now];
  const span = (now - mine.times[0]) / 1000;
  const rate = span > 0 ? (mine.times.length - 1) / span : 0;
  part("live-rate").textContent = fill(messages.rate, { rate: number(rate), delay: Math.round(delay) });
  part("live-rate").dataset.rate = rate;
  list(mine.tracks.shown());
}

function list(faces) {
  const rows = faces.map(({ emotion, confidence }) => {
    const row = document.createElement("p");
    row.className = "face-label";
    const dot = document.createElement("span");
    dot.className = `dot dot-${emotion}`;
    const share = document.createElement("span");
    share.className = "face-share";
    share.textContent = percent(confidence);
    row.append(dot, nameOf(emotion), share);
    return row;
  });
  part("live-faces").replaceChildren(...(rows.length ? rows : [messages.nobody]));
}

function draw() {
  const { videoWidth, videoHeight } = camera.video;
  if (overlay.width !== videoWidth || overlay.height !== videoHeight) {
    [overlay.width, overlay.height] = [videoWidth, videoHeight];
  }
  const pen = overlay.getContext("2d");
  pen.clearRect(0, 0, overlay.width, overlay.height);
  if (!run.size) return;
  const scale = videoWidth / run.size.width;
  pen.lineWidth = Math.max(2, videoWidth / 250);
  pen.font = `600 ${Math.max(14, videoWidth / 32)}px system-ui, sans-serif`;
  pen.textBaseline = "bottom";
  for (const { box, emotion, confidence } of run.tracks.shown()) {
    // The camera is shown as a mirror; the text is not to be mirrored.
    const [x, y, w, h] = [videoWidth - (box.x + box.w) * scale, box.y * scale, box.w * scale, box.h * scale];
    pen.strokeStyle = colour(`--emotion-${emotion}`) || colour("--accent");
    pen.strokeRect(x, y, w, h);
    const text = `${nameOf(emotion)} ${percent(confidence)}`;
    const bottom = Math.max(y, videoWidth / 24);
    pen.fillStyle = "rgb(0 0 0 / 65%)";
    pen.fillRect(x, bottom - videoWidth / 24, pen.measureText(text).width + 12, videoWidth / 24);
    pen.fillStyle = "#fff";
    pen.fillText(text, x + 6, bottom - 2);
  }
}

part("live-hint").dataset.off = part("live-hint").textContent;
part("start").addEventListener("click", start);
part("stop").addEventListener("click", () => stop(null));
window.addEventListener("pagehide", () => stop(null));
