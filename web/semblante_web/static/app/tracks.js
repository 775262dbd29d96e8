// Faces over time: boxes of one frame are matched with those before, and their figures smoothed.

const LEAST_OVERLAP = 0.3; // intersection over union from which two boxes are the same face
const BOX_WEIGHT = 0.6; // of the newest frame
const LABEL_WEIGHT = 0.35;
const MISSED_FRAMES = 4; // for which a face that is not found is still shown

const mix = (before, now, weight) => before + (now - before) * weight;

function overlap(a, b) {
  const width = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  const both = Math.max(0, width) * Math.max(0, height);
  return both / (a.w * a.h + b.w * b.h - both || 1);
}

function follow(track, face) {
  for (const side of ["x", "y", "w", "h"]) track.box[side] = mix(track.box[side], face.box[side], BOX_WEIGHT);
  for (const [emotion, value] of Object.entries(face.probabilities)) {
    track.probabilities[emotion] = mix(track.probabilities[emotion], value, LABEL_WEIGHT);
  }
  track.missed = 0;
}

export class Tracks {
  constructor() {
    this.tracks = [];
    this.next = 1;
  }

  /** Takes the faces of the newest frame: [{box: {x, y, w, h}, probabilities: {emotion: value}}]. */
  update(faces) {
    const free = [...faces];
    for (const track of this.tracks) {
      const [best] = free
        .map((face) => ({ face, shared: overlap(track.box, face.box) }))
        .filter(({ shared }) => shared >= LEAST_OVERLAP)
        .sort((a, b) => b.shared - a.shared);
      if (best) {
        free.splice(free.indexOf(best.face), 1);
        follow(track, best.face);
      } else track.missed += 1;
    }
    this.tracks = this.tracks.filter(({ missed }) => missed <= MISSED_FRAMES);
    for (const { box, probabilities } of free) {
      this.tracks.push({ number: this.next, missed: 0, box: { ...box }, probabilities: { ...probabilities } });
      this.next += 1;
    }
  }

  /** Returns the faces to show, each with its label and confidence, the oldest first. */
  shown() {
    return this.tracks.map((track) => {
      const [emotion, confidence] = Object.entries(track.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a));
      return { ...track, emotion, confidence };
    });
  }
}
