// How far the sending of files has come, shown on the upload page.

import { duration, fill, percent, size } from "./format.js";

const part = (id) => document.getElementById(id);

/** Counts what is sent, and at which speed; pauses do not count. */
export class Progress {
  constructor(title, messages) {
    this.messages = messages;
    this.seconds = 0;
    this.before = 0; // bytes that an earlier page had sent
    part("sending-title").textContent = title;
    this.goOn();
  }

  goOn() {
    this.began = performance.now();
    this.isFirst = true;
  }

  rest() {
    this.seconds += (performance.now() - this.began) / 1000;
    part("sending-text").textContent = fill(this.messages.paused, { sent: size(this.sent ?? 0), total: size(this.total ?? 0) });
  }

  show(sent, total) {
    if (this.isFirst && !this.seconds) this.before = sent;
    this.isFirst = false;
    Object.assign(this, { sent, total });
    const seconds = this.seconds + (performance.now() - this.began) / 1000;
    const speed = (sent - this.before) / Math.max(seconds, 0.1);
    part("sending-bar").value = sent / total;
    part("sending-percent").textContent = percent(sent / total);
    const left = duration((total - sent) / Math.max(speed, 1));
    const values = { sent: size(sent), total: size(total), speed: size(speed), left };
    part("sending-text").textContent = fill(this.messages.progress, values);
  }
}
