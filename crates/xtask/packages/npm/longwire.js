#!/usr/bin/env node
// Runs the binary of the package for this host, hands it the signals, and ends as it ends.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

const name = `@longwire/${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`${name}/bin/longwire`);
} catch {
  console.error(`error: the package ${name} is not installed`);
  console.error(
    process.platform === "linux"
      ? "  try: install longwire again, without --omit=optional"
      : "  try: longwire runs on Linux (x64, arm64); use a container or a virtual machine",
  );
  process.exit(1);
}

const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
// A terminal sends its signals to both; the child decides how it ends, and this process waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) {
  process.on(signal, () => {
    if (!(signal === "SIGINT" && process.stdin.isTTY)) child.kill(signal);
  });
}
child.on("error", (error) => {
  console.error(`error: cannot run ${binary}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0));
});
