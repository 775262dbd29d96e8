// Sends one archive, or several files packed into a zip on the way, by tus.

import { Pack } from "./pack.js";

const RETRIES = [0, 500, 1000, 2000, 4000, 8000, 15000, 30000];
const BLOCK = 16 * 1024 * 1024;

/** Starts sending; returns {promise of the upload's id, pause(), resume(), cancel()}. */
export function send(items, endpoint, onProgress) {
  let upload;
  const promise = new Promise((resolve, reject) => {
    const { source, options } = items.length === 1 ? single(items[0]) : packed(items, endpoint);
    upload = new window.tus.Upload(source, {
      ...options,
      endpoint,
      retryDelays: RETRIES,
      removeFingerprintOnSuccess: true,
      onProgress,
      onError: reject,
      onSuccess: () => resolve(upload.url.split("/").pop()),
    });
    start(upload);
  });
  return { promise, pause: () => upload.abort(), resume: () => upload.start(), cancel: () => upload.abort(true) };
}

const DAY_MS = 24 * 3600 * 1000;

/** Returns [{key, name, count}] of files, or of packed images, whose sending stopped when a page went away, within a day. */
export function unfinished() {
  const found = [];
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith("tus::"))) {
    const { metadata, creationTime } = JSON.parse(localStorage.getItem(key));
    if (Date.now() - Date.parse(creationTime) < DAY_MS) {
      found.push({ key, name: metadata.filename, count: Number(metadata.images ?? 1) });
    } else {
      localStorage.removeItem(key); // the server has forgotten it, too
    }
  }
  return found;
}

/** Files chosen again after a closed page go on where it stopped. */
async function start(upload) {
  const [previous] = await upload.findPreviousUploads();
  if (previous) upload.resumeFromPreviousUpload(previous);
  upload.start();
}

function single({ name, file }) {
  return { source: file, options: { metadata: { filename: name.split("/").pop() } } };
}

function packed(items, endpoint) {
  const pack = new Pack(items);
  return {
    source: items,
    options: {
      fileReader: { openFile: async () => pack },
      fingerprint: async () => `images-${items.length}-${pack.size}-${pack.mark}-${endpoint}`,
      chunkSize: BLOCK,
      metadata: { filename: pack.name, images: String(items.length) },
    },
  };
}
