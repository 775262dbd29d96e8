// Sends one archive, or several files packed into a zip on the way, by tus.

import { makeZip, predictLength } from "../vendor/client-zip/index.js";

const RETRIES = [0, 500, 1000, 2000, 4000, 8000, 15000, 30000];
const BLOCK = 16 * 1024 * 1024;

/** Starts sending; returns {promise of the upload's id, pause(), resume(), cancel()}. */
export function send(items, endpoint, onProgress) {
  let upload;
  const promise = new Promise((resolve, reject) => {
    const { source, options } = items.length === 1 ? single(items[0]) : packed(items);
    upload = new window.tus.Upload(source, {
      ...options,
      endpoint,
      retryDelays: RETRIES,
      removeFingerprintOnSuccess: true,
      onProgress,
      onError: reject,
      onSuccess: () => resolve(upload.url.split("/").pop()),
    });
    start(upload, items.length === 1);
  });
  return { promise, pause: () => upload.abort(), resume: () => upload.start(), cancel: () => upload.abort(true) };
}

const DAY_MS = 24 * 3600 * 1000;

/** Returns [{key, name}] of files whose sending stopped when a page went away, within a day. */
export function unfinished() {
  const found = [];
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith("tus::"))) {
    const { metadata, creationTime } = JSON.parse(localStorage.getItem(key));
    if (Date.now() - Date.parse(creationTime) < DAY_MS) found.push({ key, name: metadata.filename });
    else localStorage.removeItem(key); // the server has forgotten it, too
  }
  return found;
}

async function start(upload, isFile) {
  if (isFile) {
    // A file chosen again after a closed page goes on where it stopped.
    const [previous] = await upload.findPreviousUploads();
    if (previous) upload.resumeFromPreviousUpload(previous);
  }
  upload.start();
}

function single({ name, file }) {
  return { source: file, options: { metadata: { filename: name.split("/").pop() } } };
}

function packed(items) {
  const names = unique(items.map(({ name }) => name));
  // A fixed date: the same files make the same bytes.
  const lastModified = new Date(1980, 0, 1);
  const entries = items.map(({ file }, index) => ({ name: names[index], input: file, size: file.size, lastModified }));
  const uploadSize = Number(predictLength(entries));
  return {
    source: makeZip(entries).getReader(),
    options: { uploadSize, chunkSize: BLOCK, storeFingerprintForResuming: false, metadata: { filename: packName(names) } },
  };
}

/** Numbers names that come twice, as from two folders dropped together. */
function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = name.replace(/(\.[^./]*)?$/, ` (${number})$1`);
    taken.add(free);
    return free;
  });
}

function packName(names) {
  const tops = new Set(names.map((name) => (name.includes("/") ? name.split("/")[0] : "")));
  const [top] = tops;
  return tops.size === 1 && top ? `${top}.zip` : "images.zip";
}
