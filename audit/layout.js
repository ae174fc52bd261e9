// Lays out the graph that comes in by standard input with ELK, and writes it, with places, to standard output.
const ELK = require("elkjs/lib/elk.bundled.js");
const graph = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
new ELK().layout(graph).then(
  (placed) => process.stdout.write(JSON.stringify(placed)),
  (error) => { process.stderr.write(`${error.message ?? error}\n`); process.exitCode = 1; },
);
