"""Runs the live page's copy_as.js as the page would, with Node."""
import json
import pathlib
import shutil
import subprocess

LIVE = pathlib.Path(__file__).resolve().parents[3] / "src" / "live"
WRITE = """
import {TOOLS, canCopy, requestOf} from "./copy_as.js";
import {readFileSync} from "node:fs";

const stories = JSON.parse(readFileSync(0));
process.stdout.write(JSON.stringify(stories.map(story => canCopy(story) && Object.fromEntries(TOOLS.map(([name, write]) =>
  [name, [false, true].map(fresh => write(requestOf(story, fresh)))])))));
"""
QUOTE = """
import * as shell from "./copy_shell.js";
import * as code from "./copy_code.js";
import {readFileSync} from "node:fs";

const [name, texts] = JSON.parse(readFileSync(0));
process.stdout.write(JSON.stringify(texts.map({...shell, ...code}[name])));
"""


class CopyAs:
    """The modules in a folder of their own, where Node takes them for modules."""

    def __init__(self, folder):
        self.folder = folder
        for file in LIVE.glob("copy_*.js"):
            shutil.copy(file, folder)
        (folder / "package.json").write_text('{"type": "module"}')

    def run(self, program, given):
        done = subprocess.run(["node", "--input-type=module", "-e", program], cwd=self.folder, input=json.dumps(given).encode(),
                              capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def snippets(self, stories):
        """For each story {tool: [as it was, with no-cache fields]}, or False where there is nothing to copy."""
        return self.run(WRITE, stories)

    def quoted(self, function, texts):
        return self.run(QUOTE, [function, texts])
