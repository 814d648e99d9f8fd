import subprocess, sys


def test_x(house):
    d = subprocess.run(
        [
            sys.executable,
            "-m",
            "drawdown",
            "feed",
            "samples/statements/meridian-2.xml",
            "--source",
            "bank/m-usd-1",
            "--data",
            str(house.directory.path),
        ],
        capture_output=True,
        text=True,
    )
    print(d.stdout, d.stderr)
    url = house.addresses.services["payments"]
    d = subprocess.run(
        [
            ".venv/bin/schemathesis",
            "run",
            url + "/api/payments/openapi.json",
            "--url",
            url,
            "--include-path-regex",
            "bank-statements",
            "-H",
            "x-drawdown-upload: 1",
            "--max-examples",
            "60",
            "--no-color",
        ],
        capture_output=True,
        text=True,
    )
    print(d.stdout[-7000:], d.stderr[-2000:])
