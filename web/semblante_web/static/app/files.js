// What a person chose: files with their relative names, from inputs and from drag and drop.

const IMAGE = /\.(jpe?g|jpe|jfif|png|webp|bmp|gif|tiff?|avif|hei[cf])$/i;
const ARCHIVE = /\.(zip|tar|tar\.gz|tgz)$/i;

const isHidden = (name) => /(^|\/)(\.|__MACOSX\/)/.test(name);
export const isImage = (file) => IMAGE.test(file.name) || file.type.startsWith("image/");
export const isArchive = (file) => ARCHIVE.test(file.name);

/** Returns [{name, file}] of an input; a folder's files keep its name in front. */
export function fromInput(input) {
  return [...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** Returns [{name, file}] of what was dropped, with folders opened. */
export async function fromDrop(transfer) {
  // The list is emptied after the event: the entries must be taken at once.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ name: file.name, file }));
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ name: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader gives about a hundred entries at a time, and none at the end.
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return;
    for (const child of batch) await collect(child, found);
  }
}

/** Sorts what was chosen into what is sent and what is left out; `problem` names why it cannot. */
export function select(chosen, maxBytes, maxImageBytes) {
  if (!chosen.length) return { problem: "nothing" };
  const archives = chosen.filter(({ file }) => isArchive(file));
  if (archives.length && chosen.length > 1) return { problem: "mixed" };
  const wanted = archives.length
    ? archives
    : chosen.filter(({ name, file }) => isImage(file) && !isHidden(name));
  if (!wanted.length) return { problem: "no_images" };
  const bytes = wanted.reduce((sum, { file }) => sum + file.size, 0);
  if (!bytes) return { problem: "empty", name: wanted[0].name };
  if (bytes > maxBytes) return { problem: "too_large" };
  wanted.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const tooLarge = archives.length ? 0 : wanted.filter(({ file }) => file.size > maxImageBytes).length;
  return { items: wanted, bytes, leftOut: chosen.length - wanted.length, tooLarge };
}
