"""`semblante webcam`: a camera or a video, labelled frame by frame."""
