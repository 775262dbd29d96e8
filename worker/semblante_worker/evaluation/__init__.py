"""Evaluation: what a model is worth on labelled images, as figures and as a report.

`evaluation.evaluate_predictions` measures, `report.write_report` writes the report folder, and
`temperature.fit_temperature` calibrates; `command` is `semblante evaluate`. Importing this loads
neither torch nor matplotlib.
"""
