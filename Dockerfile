# Nightscribe as an image: `production` (worker, dispatcher, Flower) and `local` (the embedded stack beside them).
# The source lies in /app as in a clone, so that commands read as in the Makefile. No secret is ever built in.
FROM python:3.13-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
# Nothing in the container needs root. The folder is where the local stack keeps its data.
RUN useradd --create-home --uid 10001 nightscribe && install --directory --owner nightscribe /var/lib/nightscribe
WORKDIR /app

FROM base AS production
COPY requirements/run.txt requirements/dev.txt requirements/
# run.txt is what the product needs, with hashes. Flower is one more program, at the version that dev.txt tests with.
RUN pip install --require-hashes -r requirements/run.txt \
    && sed 's/ *\\$//; /--hash/d' requirements/dev.txt > /tmp/versions.txt \
    && pip install --constraint /tmp/versions.txt flower
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY pipeline pipeline
COPY workers workers
COPY emulator/__init__.py emulator/
RUN pip install --no-deps --no-build-isolation --editable .
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
RUN pip install --no-deps --no-build-isolation --editable .
USER nightscribe
CMD ["nightscribe", "--help"]
