# All images of the production stack: docker-compose.yml names the target of each service.
# The steps are scripts in deploy/, which CI runs without a container engine.
FROM python:3.12-slim AS base
ENV PATH=/opt/semblante/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --home-dir /data semblante \
    && install --directory --owner semblante --group semblante --mode 700 /data
WORKDIR /data

FROM base AS source
WORKDIR /source
COPY constraints.txt ./
COPY deploy/install deploy/
COPY shared shared
COPY web web
COPY worker worker

FROM source AS web-installed
RUN deploy/install web /opt/semblante

FROM source AS worker-cpu-installed
RUN deploy/install worker-cpu /opt/semblante

FROM source AS worker-gpu-installed
RUN deploy/install worker-gpu /opt/semblante

FROM source AS s3-installed
RUN deploy/install s3 /opt/semblante

FROM base AS web
COPY --from=web-installed /opt/semblante /opt/semblante
USER semblante
ENTRYPOINT ["semblante"]
CMD ["web"]

FROM base AS worker-cpu
COPY --from=worker-cpu-installed /opt/semblante /opt/semblante
USER semblante
ENTRYPOINT ["semblante"]
CMD ["worker"]

FROM base AS worker-gpu
COPY --from=worker-gpu-installed /opt/semblante /opt/semblante
USER semblante
ENTRYPOINT ["semblante"]
CMD ["worker", "--device", "cuda"]

FROM base AS s3
COPY --from=s3-installed /opt/semblante /opt/semblante
USER semblante
ENTRYPOINT ["weed"]
