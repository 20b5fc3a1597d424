# Nightscribe as an image. Targets: `production` (worker, dispatcher, Flower) and `local` (with the embedded stack).
# The source lies in /app as in a clone, so that commands read as in the Makefile. No secret is ever built in.
FROM python:3.11-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
# Nothing in the container needs root. The folder holds the data of the embedded stack.
RUN useradd --create-home --uid 10001 nightscribe \
    && install --directory --owner nightscribe --mode 700 /var/lib/nightscribe
WORKDIR /app

FROM base AS production
COPY requirements/flower.txt requirements/
# run.txt, Flower, and the packages of receiver, metrics and traces, for this image serves all of them.
RUN pip install --require-hashes -r requirements/flower.txt
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY pipeline pipeline
COPY workers workers
# Compiled here, for nobody may write beside the source later, and every command would compile it anew.
RUN pip install --no-deps --no-build-isolation --editable . && python -m compileall -q configs pipeline workers
USER nightscribe
CMD ["nightscribe", "--help"]

FROM base AS local
COPY requirements/demo.txt requirements/
RUN pip install --require-hashes -r requirements/demo.txt
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY pipeline pipeline
COPY workers workers
COPY emulator emulator
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q configs emulator pipeline workers
USER nightscribe
CMD ["python", "-m", "emulator", "stack", "--folder", "/var/lib/nightscribe/stack"]
