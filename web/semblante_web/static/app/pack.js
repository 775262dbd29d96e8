// Several files as one zip that is made while it is sent, and again where a later page goes on.

import { makeZip, predictLength } from "../vendor/client-zip/index.js";

/** A source for tus: any range of the zip. Only what was asked for last is kept in memory. */
export class Pack {
  constructor(items) {
    const names = unique(items.map(({ name }) => name));
    // A fixed date: the same files make the same bytes.
    const lastModified = new Date(1980, 0, 1);
    this.entries = items.map(({ file }, index) => ({ name: names[index], input: file, size: file.size, lastModified }));
    this.name = packName(names);
    this.size = Number(predictLength(this.entries));
    this.mark = digest(items.map(({ file }, index) => [names[index], file.size, file.lastModified].join("\n")));
    this.begin();
  }

  begin() {
    this.close();
    this.reader = makeZip(this.entries).getReader();
    this.blocks = []; // the zip's bytes from `from` on, up to `to`
    this.from = 0;
    this.to = 0;
  }

  /** Returns the bytes from `start` to `end`; those before are read, for the checksums, and left out. */
  async slice(start, end) {
    const until = Math.min(end, this.size);
    if (start < this.from) this.begin();
    this.forget(start);
    while (this.to < until) {
      const { value, done } = await this.reader.read();
      if (done) throw new Error("A file became shorter.");
      this.blocks.push(value);
      this.to += value.length;
      this.forget(start);
    }
    const value = new Blob(this.blocks).slice(start - this.from, until - this.from);
    return { value, done: until === this.size };
  }

  forget(before) {
    while (this.blocks.length && this.from + this.blocks[0].length <= before) this.from += this.blocks.shift().length;
  }

  close() {
    this.reader?.cancel().catch(() => {}); // it may have failed, and is not needed any more
  }
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

/** Returns 128 bits of `lines` (four times FNV-1a); crypto.subtle is missing on pages by plain http. */
function digest(lines) {
  const states = new Uint32Array([0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]);
  for (const byte of new TextEncoder().encode(lines.join("\n"))) {
    for (let index = 0; index < 4; index += 1) states[index] = Math.imul(states[index] ^ (byte + index), 0x01000193);
  }
  return [...states].map((state) => state.toString(16).padStart(8, "0")).join("");
}
