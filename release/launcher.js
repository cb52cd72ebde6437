#!/usr/bin/env node
// Runs the program, which is in a package of its own for each kind of machine.
"use strict";

const { spawn } = require("node:child_process");

const name = `@canter/${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/canter`);
} catch {
  console.error(
    `canter: ${name} is not installed. There are packages for Linux on x64 and arm64; npm installs the one that fits unless it is told to leave out optional dependencies.`,
  );
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => {
  console.error(`canter: ${error.message}`);
  process.exit(1);
});
// The program decides when to end. A terminal sends Ctrl-C to both; canter takes the second one for an echo.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("exit", (status, signal) => {
  if (signal === null) {
    process.exit(status);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
