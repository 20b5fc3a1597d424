"""docker-compose.yml and what belongs to it: its shape, its promises, and commands that their programs understand."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders import settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
OURS = [name for name in SERVICES if "build" in SERVICES[name]]
SECRETS = re.compile(r"(?i)key|secret|password|token|auth")


def words(service):
    command = SERVICES[service]["command"]
    return shlex.split(command) if isinstance(command, str) else command


def test_the_services_are_those_that_the_head_of_the_file_speaks_of():
    spoken_of = set(re.findall(r"docker compose (?:up --detach|run --rm) ([a-z][a-z-]+)", _text("docker-compose.yml")))

    assert set(SERVICES) == {
        *("redis", "worker", "beat", "flower", "webhook", "backfill"),
        *("metrics", "prometheus", "grafana"),
        *("local-stack", "local-worker", "local-archive", "local-backfill"),
    }
    assert spoken_of <= set(SERVICES)


def test_it_obeys_the_official_schema():
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("the schema comes with the package check-jsonschema, which is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]

    checked = subprocess.run([*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("service", ["worker", "beat", "flower", "webhook", "metrics", "backfill", "local-worker"])
def test_every_command_is_one_that_its_program_understands(service):
    command = [*SERVICES[service].get("entrypoint", []), *words(service)]
    program = command.index("celery") if "celery" in command else command.index("nightscribe")
    asked = [str(Path(sys.executable).with_name(command[program])), *command[program + 1 :], "--help"]

    answer = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stderr


def test_the_local_stack_is_started_with_options_that_it_has():
    _, _, module, *rest = words("local-stack")
    helped = subprocess.run(
        [sys.executable, "-m", module, rest[0], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert words("local-stack")[:3] == ["python", "-m", "emulator"]
    assert [word for word in rest if word.startswith("--") and word not in helped.stdout] == []


def test_the_program_that_fills_the_local_archive_compiles():
    python, flag, text = words("local-archive")

    assert (python, flag) == ("python", "-c")
    assert compile(text, "docker-compose.yml", "exec")


@pytest.mark.parametrize("service", [name for name in SERVICES if SERVICES[name].get("entrypoint", [""])[0] == "sh"])
def test_every_shell_line_is_one_that_a_shell_can_read(service):
    script = SERVICES[service]["entrypoint"][2].replace("$$", "$")

    assert subprocess.run([shutil.which("sh"), "-n", "-c", script], check=False).returncode == 0


def test_grafana_does_not_start_without_a_password_of_its_own():
    script = SERVICES["grafana"]["entrypoint"][2].replace("$$", "$")

    def start(password):
        asked = ["sh", "-c", script, "echo", "started"]
        given = {"GF_SECURITY_ADMIN_PASSWORD": password}
        return subprocess.run(asked, env=given, capture_output=True, text=True, check=False)

    assert (start("").returncode, start("admin").returncode) == (2, 2)
    assert "GRAFANA_ADMIN_PASSWORD" in start("").stderr
    assert start("own words").stdout == "started\n"


def test_flower_does_not_start_without_a_login():
    """The settings themselves see to it, in every way to say an address: tests/e2e/test_flower_doors.py."""
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("celery")), *words("flower")[1:]],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "FLOWER_BASIC_AUTH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 2
    assert outcome.stderr.startswith("Error: Flower would listen on 0.0.0.0 without a login")


def test_the_options_file_of_flower_is_there():
    (path,) = (word.removeprefix("--conf=") for word in words("flower") if word.startswith("--conf="))

    assert (ROOT / path).is_file()


def test_no_secret_stands_in_the_file_or_in_its_example():
    given = {
        (service, name): value
        for service, description in SERVICES.items()
        for name, value in (description.get("environment") or {}).items()
        if SECRETS.search(name) and name != "NIGHTSCRIBE_REDIS_KEY_PREFIX" and value is not None
    }
    lines = [line for line in _text(".env.example").splitlines() if line and not line.startswith("#")]
    example = dict(line.split("=", 1) for line in lines)

    assert set(given.values()) == {"${FLOWER_BASIC_AUTH:-}", "${GRAFANA_ADMIN_PASSWORD:-}"}
    assert {name: value for name, value in example.items() if SECRETS.search(name) and value} == {}
    assert {"FAL_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FLOWER_BASIC_AUTH"} <= set(example)
    assert "GRAFANA_ADMIN_PASSWORD" in example


def test_flower_is_given_neither_the_fal_key_nor_access_to_s3():
    assert "env_file" not in SERVICES["flower"]
    assert set(SERVICES["flower"]["environment"]) == {
        "REDIS_URL",
        "NIGHTSCRIBE_REDIS_KEY_PREFIX",
        "FLOWER_BASIC_AUTH",
        "XDG_STATE_HOME",
    }


def test_the_exporter_is_given_access_to_s3_and_not_the_fal_key():
    assert "env_file" not in SERVICES["metrics"]
    given = set(SERVICES["metrics"]["environment"])
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "REDIS_URL"} <= given
    assert "FAL_KEY" not in given
    # What decides which figures are read, and how full "full" is; the workers have all of .env.
    assert {"NIGHTSCRIBE_LIMITS_ACCOUNT", "NIGHTSCRIBE_LIMITS_CONCURRENCY", "NIGHTSCRIBE_LIMITS_OVERCOMMIT"} <= given


def test_the_receiver_is_given_neither_the_fal_key_nor_access_to_s3():
    assert "env_file" not in SERVICES["webhook"]
    assert set(SERVICES["webhook"]["environment"]) == {
        "NIGHTSCRIBE_PROFILE",
        "REDIS_URL",
        "NIGHTSCRIBE_REDIS_KEY_PREFIX",
    }


def test_beat_is_given_neither_the_fal_key_nor_access_to_s3_and_remembers_the_last_start():
    beat = SERVICES["beat"]
    assert "env_file" not in beat
    assert [name for name in beat["environment"] if not name.startswith(("NIGHTSCRIBE_", "REDIS_URL", "XDG_"))] == []
    assert beat["volumes"] == [f"beat:{beat['environment']['XDG_STATE_HOME']}"]
    assert "beat" in COMPOSE["volumes"]


def test_nothing_is_published_but_pages_and_the_receiver_and_those_on_this_machine_only():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "flower": ["127.0.0.1:5555:5555"],
        "webhook": [f"127.0.0.1:{settings().webhook.port}:{settings().webhook.port}"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_redis_keeps_what_it_is_given_and_refuses_when_it_is_full():
    options = words("redis")

    assert options[options.index("--appendonly") + 1] == "yes"
    assert options[options.index("--maxmemory-policy") + 1] == "noeviction"
    assert options[options.index("--maxmemory") + 1] == "256mb"
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def test_servers_come_back_by_themselves_and_one_shot_commands_do_not():
    assert {name: service["restart"] for name, service in SERVICES.items()} == {
        **dict.fromkeys(("redis", "worker", "beat", "flower", "webhook"), "unless-stopped"),
        **dict.fromkeys(("metrics", "prometheus", "grafana"), "unless-stopped"),
        **dict.fromkeys(("backfill", "local-stack", "local-worker", "local-archive", "local-backfill"), "no"),
    }


def test_workers_can_be_scaled():
    assert [name for name, service in SERVICES.items() if "container_name" in service] == []
    assert "nightscribe@%h" in words("worker")


def test_a_worker_is_given_the_time_that_a_paid_post_may_take():
    grace_s = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace_s > settings().fal.submit_timeout_s


def test_the_health_of_a_worker_is_looked_up_under_the_name_that_it_bears():
    name = words("worker")[words("worker").index("-n") + 1]

    assert name.replace("%h", "$$(hostname)") in SERVICES["worker"]["healthcheck"]["test"][1]


def test_everything_local_shares_one_network_for_the_emulator_listens_on_loopback_only():
    beside = [name for name in SERVICES if name.startswith("local-") and name != "local-stack"]

    assert {SERVICES[name]["network_mode"] for name in beside} == {"service:local-stack"}
    assert all(SERVICES[name]["profiles"] == ["local"] for name in [*beside, "local-stack"])


def test_what_observes_starts_only_when_it_is_asked_for():
    observing = {name for name, service in SERVICES.items() if service.get("profiles") == ["observe"]}

    assert observing == {"metrics", "prometheus", "grafana"}


def test_images_of_others_are_named_with_their_version():
    images = {name: service["image"] for name, service in SERVICES.items() if "build" not in service}

    assert set(images) == {"redis", "prometheus", "grafana"}
    assert all(re.search(r":v?\d+[\w.-]*$", image) for image in images.values()), images


def test_every_file_that_is_mounted_is_there_and_is_only_read():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ()) if mount.startswith("./")]

    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).is_dir()
        assert mode == "ro"


def test_every_volume_is_declared_and_used():
    used = {
        mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ()) if mount[0] != "."
    }

    assert used == set(COMPOSE["volumes"])


def test_prometheus_scrapes_services_at_the_ports_where_they_listen_and_reads_the_mounted_files():
    config = yaml.safe_load(_text("configs/prometheus/prometheus.yml"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    (file,) = (word.partition("=")[2] for word in words("prometheus") if word.startswith("--config.file="))

    assert targets == {"nightscribe": [f"metrics:{settings().metrics.port}"], "flower": ["flower:5555"]}
    assert "./configs/prometheus:/etc/prometheus:ro" in SERVICES["prometheus"]["volumes"]
    assert file == "/etc/prometheus/prometheus.yml"
    assert str(settings().metrics.port) in SERVICES["metrics"]["healthcheck"]["test"][3]


def test_grafana_finds_prometheus_and_the_dashboards_where_they_are_mounted():
    folder = "configs/grafana/provisioning"
    (source,) = yaml.safe_load(_text(f"{folder}/datasources/prometheus.yml"))["datasources"]
    (provider,) = yaml.safe_load(_text(f"{folder}/dashboards/nightscribe.yml"))["providers"]
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert source["url"] == "http://prometheus:9090"
    assert mounts["./" + folder] == "/etc/grafana/provisioning"
    assert mounts["./configs/grafana/dashboards"] == provider["options"]["path"]
    assert (ROOT / "configs/grafana/dashboards" / Path(home).name).is_file()
    assert str(Path(home).parent) == provider["options"]["path"]


def test_every_image_is_a_target_of_the_dockerfile_and_all_that_it_copies_is_let_in():
    text = _text("Dockerfile")
    copied = {source for line in re.findall(r"(?m)^COPY (.+)$", text) for source in line.split()[:-1]}
    let_in = {line[1:] for line in _text(".dockerignore").splitlines() if line.startswith("!")}

    assert {SERVICES[name]["build"]["target"] for name in OURS} <= set(re.findall(r"(?m)^FROM .+ AS (\w+)$", text))
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {source for source in copied if not source.startswith("requirements/")} <= let_in
    assert "requirements/*.txt" in let_in


def _text(name):
    return (ROOT / name).read_text("utf-8")
