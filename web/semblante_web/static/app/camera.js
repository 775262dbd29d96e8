// The browser's camera: opened, read as small JPEG frames, closed; why it cannot be used by name.

const FRAME_WIDTH = 480; // pixels: faces are searched in a copy of about this size
const QUALITY = 0.75;

const PROBLEMS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class CameraProblem extends Error {}

export class Camera {
  /** `onLost` is called when an open camera goes away by itself. */
  constructor(video, onLost) {
    this.video = video;
    this.onLost = onLost;
    this.canvas = document.createElement("canvas");
    this.stream = null;
  }

  /** Opens the camera; throws CameraProblem, whose message is one of the page's. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraProblem("insecure");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 640 }, facingMode: "user" } });
    } catch (error) {
      throw new CameraProblem(PROBLEMS[error.name] ?? "busy");
    }
    for (const track of this.stream.getTracks()) track.addEventListener("ended", this.onLost);
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.removeEventListener("ended", this.onLost);
      track.stop();
    }
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Returns the picture of now as a JPEG. */
  frame() {
    const scale = Math.min(1, FRAME_WIDTH / this.video.videoWidth);
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve) => { this.canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  }
}
