# One image for every process of ours; docker-compose.yml says which one it runs.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --require-hashes -r requirements.lock
COPY . .
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation -e .
# The sandbox imports a workflow's module for each run: without bytecode it compiles it each time.
RUN /opt/venv/bin/python -m compileall -q workflows

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PARKER_STATE_DIR=/var/lib/parker PARKER_ENV_FILE= PARKER_LOG_FORMAT=json
# What draws the letters of PDFs: see api/handouts/press.py.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/parker parker \
 && install -d -m 700 -o parker -g parker /var/lib/parker-keys /var/lib/parker-journal \
    /var/lib/parker-checkpoints
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER parker
ENTRYPOINT ["parker"]
CMD ["--help"]
