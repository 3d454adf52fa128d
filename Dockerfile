# Build the packages where a compiler is at hand, run them where none is.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 ads
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --chown=root:root alembic.ini pyproject.toml ./
COPY --chown=root:root .streamlit .streamlit
COPY --chown=root:root migrations migrations
COPY --chown=root:root lib lib
COPY --chown=root:root api api
COPY --chown=root:root dashboard dashboard
COPY --chown=root:root pages pages
RUN mkdir var && chown ads var
USER ads
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8501
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
# One process: the caches and the loop of the engine live in it. More people: more containers, sticky sessions.
CMD ["sh", "-c", "exec uvicorn dashboard.server:app --host \"$HOST\" --port \"$PORT\" --workers 1 --no-access-log --proxy-headers --timeout-graceful-shutdown 10"]
