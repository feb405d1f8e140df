# SPDX-License-Identifier: Apache-2.0
"""`spantoll prices import`: a published list becomes a document that `spantoll prices validate` accepts."""
import json
import subprocess

from env.daemon import BINARY


def spantoll(*words, **kwargs):
    return subprocess.run([BINARY, "prices", *words], capture_output=True, text=True, timeout=60, **kwargs)


def product(sku, usage, usd):
    return ({"sku": sku, "attributes": {"regionCode": "eu-west-1", "usagetype": usage}},
            {f"{sku}.JRTCKXETXF": {"sku": sku, "effectiveDate": "2026-07-01T00:00:00Z", "priceDimensions": {
                "r": {"beginRange": "0", "endRange": "Inf", "unit": "Requests", "pricePerUnit": {"USD": usd}}}}})


def offer(code, **products):
    made = {sku: product(sku, *p) for sku, p in products.items()}
    return json.dumps({"formatVersion": "v1.0", "offerCode": code, "products": {s: p for s, (p, _) in made.items()},
                       "terms": {"OnDemand": {s: t for s, (_, t) in made.items()}}})


def test_a_list_of_aws_becomes_a_document(tmp_path):
    listed = tmp_path / "index.json"
    listed.write_text(offer("AmazonS3", A=("EUW1-Requests-Tier1", "0.0000050000"), B=("EUW1-Requests-Tier2", "0.0000004000"),
                            C=("EUW1-TimedStorage-ByteHrs", "0.0230000000")))
    done = spantoll("import", "--from", "aws-offer", "--region", "eu-west-1", str(listed))
    assert done.returncode == 0, done.stderr
    assert "left out: EUW1-TimedStorage-ByteHrs" in done.stderr and "4 rules, 3 units; 1 left out" in done.stderr
    document = tmp_path / "s3.yaml"
    document.write_text(done.stdout)
    checked = spantoll("validate", str(document))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_standard_input_is_read(tmp_path):
    done = spantoll("import", "--from", "csv", "-", input="id,service,meter,usd,per\na,shop,calls,1e-6,1\n")
    assert done.returncode == 0, done.stderr
    assert "{id: a, match: {service: shop}, price: [{meter: calls, usd: 1e-6, per: 1}]}" in done.stdout


def test_what_cannot_be_imported_is_refused(tmp_path):
    wrong = tmp_path / "list.json"
    wrong.write_text(offer("AmazonS3", A=("Requests-Tier1", "0.1")))
    done = spantoll("import", "--from", "aws-offer", "--service", "AmazonSNS", str(wrong))
    assert done.returncode == 1 and "is the list of AmazonS3, not of AmazonSNS" in done.stderr
    assert spantoll("import", "--from", "pdf", str(wrong)).returncode == 2
    assert spantoll("import", "--from", "csv").returncode == 2
    done = spantoll("import", "--from", "csv", str(tmp_path / "nowhere"))
    assert done.returncode == 1 and "No such file" in done.stderr


def test_a_list_too_large_for_the_memory_is_refused(tmp_path):
    large = tmp_path / "AmazonEC2.json"
    with large.open("wb") as f:
        f.truncate(400 << 20)
    done = spantoll("import", "--from", "aws-offer", str(large))
    assert done.returncode == 1 and "larger than what is read at once (32 MiB)" in done.stderr
