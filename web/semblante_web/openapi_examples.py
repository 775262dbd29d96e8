"""Examples of the API's description: of parameters, requests and answers; a test checks them."""

from __future__ import annotations

import base64
from typing import Any

JOB_ID = "019b7a70-5a4e-7c31-9d53-0d6f2c1e8a01"
OTHER_JOB_ID = "019b7a71-0c2d-7f10-8b7a-4f2f6f3c9b02"
UPLOAD_ID = "019b7a70-58c0-7a22-b1f4-93cf0e5d7c03"
EVENT_ID = "019b7a72-1f3e-7d44-a6c8-2b9e4d7f1a04"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()  # pragma: allowlist secret
MODEL = "resnet18-raf7@e64e8b699b9f"
CREATED, STARTED, ENDED = (f"2026-01-02T03:04:{second}Z" for second in ("05", "06", "09"))
PROBABILITIES = {
    "surprise": 0.02,
    "fear": 0.01,
    "disgust": 0.01,
    "happiness": 0.9,
    "sadness": 0.02,
    "anger": 0.01,
    "neutral": 0.03,
}
COUNTS = {"total": 2, "ok": 2, "no_face": 0, "failed": 0, "skipped": 1, "faces": 2}
EMOTIONS = dict.fromkeys(PROBABILITIES, 0) | {"happiness": 1, "neutral": 1}

JOB: dict[str, Any] = {
    "id": JOB_ID,
    "owner": "",
    "state": "completed",
    "paused": False,
    "outcome": "ok",
    "model": MODEL,
    "detect": "off",
    "detectors": [],
    "upload_id": UPLOAD_ID,
    "filename": "faces.zip",
    "size_bytes": 48_213,
    "counts": COUNTS,
    "emotions": EMOTIONS,
    "progress": 1.0,
    "images_per_second": 33.2,
    "eta_seconds": None,
    "created_at": CREATED,
    "validating_at": CREATED,
    "in_progress_at": STARTED,
    "finalizing_at": ENDED,
    "completed_at": ENDED,
    **dict.fromkeys(("failed_at", "cancelling_at", "cancelled_at", "expired_at")),
    "error": None,
    "metadata": {"study": 7},
    "webhook": None,
}
ROW = {
    "index": 0,
    "image_path": "niños/cara 1.jpg",
    "face_id": 0,
    "status": "ok",
    "error_code": None,
    "emotion": "happiness",
    "confidence": 0.9,
    "probabilities": PROBABILITIES,
    **dict.fromkeys(("face_x", "face_y", "face_w", "face_h", "face_confidence")),
    "width": 100,
    "height": 100,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "model": MODEL,
}
MATRIX = {
    "total": 2,
    "agreement": 0.5,
    "mean_recall": 0.5,
    "rows": ["happiness", "neutral"],
    "columns": ["happiness", "neutral"],
    "counts": [[1, 0], [1, 0]],
    "classes": {
        "happiness": {"support": 1, "recall": 1.0, "precision": 0.5},
        "neutral": {"support": 1, "recall": 0.0, "precision": None},
    },
}
EVENT = {
    "id": EVENT_ID,
    "type": "job.completed",
    "url": "https://lab.example.org/semblante",
    "state": "delivered",
    "created_at": ENDED,
    "next_at": None,
    "attempts": [{"at": ENDED, "seconds": 0.2, "status": 200, "error": None}],
}
MODEL_VIEW = {
    "reference": MODEL,
    "sha256": "e64e8b699b9f5d1c" * 4,
    "origin": "shipped",
    "size_bytes": 23_000_000,
    "is_default": True,
    "card": {
        "name": "resnet18-raf7",
        "version": "1.0",
        "description": "Seven emotions of photographed faces.",
        "architecture": "resnet18",
        "classes": [
            {"id": "happiness", "en": "happy", "es": "feliz"},
            {"id": "neutral", "en": "neutral", "es": "serio"},
        ],
        "preprocess": {
            "colour": "grey",
            "resize": [100, 100],
            "crop": None,
            "interpolation": "bilinear",
            "scale": "1/255",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
        },
        "files": {"model.safetensors": {"sha256": "0" * 64, "dtype": "float16", "keys": None}},
        "training": {
            "data": "RAF-DB, training part",
            "init": "ImageNet",
            "recipe": "resnet18-raf7",
            "hardware": "one GPU",
        },
        "metrics": {"validation": {"n": 1200, "accuracy": 0.869, "mean_recall": 0.816}},
        "openvino": None,
        "temperature": 1.0,
        "terms": "For research only.",
        "limits": "Labels describe visible expressions and are often wrong.",
    },
}
FACE = {
    "emotion": "happiness",
    "confidence": 0.9,
    "probabilities": PROBABILITIES,
    "box": {"x": 10, "y": 12, "w": 64, "h": 64},
    "face_confidence": 0.97,
}
HEADER = "image_path,face_id,status,error_code,emotion,confidence,..."

PARAMETERS: dict[str, Any] = {
    "job_id": JOB_ID,
    "other_id": OTHER_JOB_ID,
    "upload_id": UPLOAD_ID,
    "event_id": EVENT_ID,
    "index": 0,
    "face_id": 0,
    "name": "resnet18-raf7",
    "Idempotency-Key": "photos of Monday",
    "Tus-Resumable": "1.0.0",
    "Upload-Length": 48_213,
    "Upload-Offset": 0,
    "Upload-Metadata": "filename " + base64.b64encode(b"faces.zip").decode(),
    "Upload-Checksum": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    "If-None-Match": 'W/"4be0643f1d98573b"',
}

ANSWERS: dict[str, Any] = {
    "JobView": JOB,
    "JobPage": {"items": [JOB], "next": JOB_ID},
    "ImagePage": {"items": [ROW], "next": "0.0"},
    "ImageDetail": {"index": 0, "image_path": ROW["image_path"], "rows": [ROW]},
    "Summary": {
        "job_id": JOB_ID,
        "filename": "faces.zip",
        "model": MODEL,
        "detectors": [],
        "counts": COUNTS,
        "emotions": {name: {"faces": n, "share": n / 2} for name, n in EMOTIONS.items()},
        "errors": {},
        "seconds": {"validating": 1.0, "in_progress": 3.0, "finalizing": 0.1, "total": 4.1},
    },
    "AuditPage": {
        "items": [
            {
                "id": EVENT_ID,
                "at": ENDED,
                "actor": "ana",
                "address": "192.0.2.7",
                "action": "submit",
                "subject": JOB_ID,
            }
        ],
        "next": None,
    },
    "PredictionView": {
        "model": MODEL,
        "detector": "yunet",
        "width": 100,
        "height": 100,
        "faces": [FACE],
    },
    "EventList": {"items": [EVENT]},
    "EventView": EVENT,
    "SecretView": {"secret": WEBHOOK_SECRET},
    "TruthView": {"images": 2, "unknown": 0, "matrix": MATRIX},
    "AgreementView": {
        "matrix": MATRIX,
        "items": [ROW | {"other_emotion": "neutral"}],
        "next": None,
    },
    "CorrectionPage": {
        "items": [{"index": 1, "face_id": 0, "emotion": "sadness", "corrected_at": ENDED}],
        "next": None,
    },
    "ModelView": MODEL_VIEW,
    "ModelList": {"items": [MODEL_VIEW]},
    "Alive": {"status": "ok"},
    "Readiness": {
        "status": "ok",
        "checks": dict.fromkeys(("database", "broker", "storage", "worker"), "ok"),
    },
}
"""Examples of answers by the name of their schema."""

TEXTS: dict[str, str] = {
    "text/csv": f"{HEADER}\r\nniños/cara 1.jpg,0,ok,,happiness,0.9000,...\r\n",
    "application/jsonl": '{"image_path": "niños/cara 1.jpg", "face_id": 0, "status": "ok"}\n',
    "text/plain": 'semblante_jobs{state="completed"} 7.0\n',
}
"""Examples of answers that are text, by their type."""

REQUESTS: dict[str, Any] = {
    "createJob": {"upload_id": UPLOAD_ID, "lang": "es", "metadata": {"study": 7}},
    "predict": {"url": "https://example.org/face.jpg", "detect": "auto"},
    "putTruth": {"source": "folders"},
    "putCorrection": {"emotion": "sadness"},
    "setDefaultModel": {"model": "resnet18-raf7"},
    "jobEnded": {
        "type": "job.completed",
        "timestamp": ENDED,
        "data": {
            "id": JOB_ID,
            "state": "completed",
            "model": MODEL,
            "filename": "faces.zip",
            "counts": COUNTS,
            "error": None,
            "created_at": CREATED,
            "ended_at": ENDED,
            "metadata": {"study": 7},
        },
    },
}
"""Examples of bodies in JSON by operation."""


def add_examples(document: dict[str, Any]) -> None:
    """Give each parameter, body and answer its example."""
    paths = [*document["paths"].values(), *document["webhooks"].values()]
    for operations in paths:
        for method, operation in operations.items():
            if method != "parameters":
                _add_to_operation(operation)


def _add_to_operation(operation: dict[str, Any]) -> None:
    # APIFlask shares a parameter between operations; the same example twice does no harm.
    for parameter in operation.get("parameters", []):
        if parameter["name"] in PARAMETERS:
            parameter["example"] = PARAMETERS[parameter["name"]]
    body = operation.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        body["application/json"]["example"] = REQUESTS[operation["operationId"]]
    if "text/csv" in body:
        body["text/csv"]["example"] = "image_path,emotion\nniños/cara 1.jpg,happiness\n"
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            for kind, content in response.get("content", {}).items():
                _add_to_answer(kind, content)


def _add_to_answer(kind: str, content: dict[str, Any]) -> None:
    if kind in TEXTS:
        content["example"] = TEXTS[kind]
    elif schema := content.get("schema"):
        reference = schema.get("$ref") or schema["anyOf"][0]["$ref"]
        content["example"] = ANSWERS[reference.rpartition("/")[2]]
