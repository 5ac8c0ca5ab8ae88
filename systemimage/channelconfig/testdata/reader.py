# Reads configurations with Python's own configparser: a line in, base64 of a
# text; a line out, JSON of what it makes of it.
import base64
import configparser
import io
import json
import sys


def read(data):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    try:
        # As open() does for a file: pieces of 8192 bytes, any line end.
        parser.read_file(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"), "etc/config")
    except configparser.Error as e:
        return {"Class": "configparser." + type(e).__name__, "Log": str(e)}
    except UnicodeDecodeError as e:
        return {"Class": "UnicodeDecodeError"}
    sections = []
    for name in parser.sections():
        keys = []
        for key in parser.options(name):
            raw = parser.get(name, key)
            names = [n.strip('"').strip() for n in raw.split(", ")]
            try:
                number = str(max(-2**63, min(int(names[0]), 2**63 - 1)))
            except ValueError:
                number = ""
            keys.append({"Key": key, "Raw": raw, "Names": names, "Number": number})
        sections.append({"Section": name, "Keys": keys})
    return {"Sections": sections}


for line in sys.stdin:
    print(json.dumps(read(base64.b64decode(line))), flush=True)
