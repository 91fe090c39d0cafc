// The compiler, loaded once for many mutants: a request a line on stdin, an answer a line on stdout.
// A request is {root, sources: {path: text}, input}: files are read from root, but for those in sources.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const solc = require(require.resolve('solc', { paths: [path.dirname(path.dirname(__dirname))] }));
process.removeAllListeners('uncaughtException');
process.removeAllListeners('unhandledRejection');

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { root, sources, input } = JSON.parse(line);
  const read = (unit) => {
    const file = path.join(root, unit);
    if (unit in sources) return { contents: sources[unit] };
    return fs.existsSync(file) ? { contents: fs.readFileSync(file, 'utf8') } : { error: `${unit} not found` };
  };
  for (const unit of Object.keys(input.sources)) input.sources[unit] = { content: read(unit).contents };
  process.stdout.write(`${JSON.stringify(JSON.parse(solc.compile(JSON.stringify(input), { import: read })))}\n`);
});
