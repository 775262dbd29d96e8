"""From a trained network to what the CPU engine needs: an OpenVINO graph, in int8 where it pays.

Nothing here is needed to label images: the extra `train` brings the tools.
"""
