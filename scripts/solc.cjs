// The part of the `solc` command line that py-solc-x, brownie, forge and slither use, on npm's WebAssembly compiler.
// scripts/setup.py registers it as solc-v<version> where no native compiler can be downloaded.
'use strict';
const fs = require('fs');
const path = require('path');

const root = path.dirname(__dirname);
const soljson = require.resolve('solc/soljson.js', { paths: [root] });

function compiler() {
  const solc = require(require.resolve('solc', { paths: [root] }));
  // Emscripten turns every uncaught error into an abort with a 20 MB stack trace: give Node its own handlers back.
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  return solc;
}

// Loading the compiler takes a second and callers ask for the version again and again: it is kept beside the compiler.
function version() {
  const { size, mtimeMs } = fs.statSync(soljson);
  const memo = path.join(path.dirname(soljson), `.version-${size}-${Math.floor(mtimeMs)}`);
  if (fs.existsSync(memo)) return fs.readFileSync(memo, 'utf8');
  const found = compiler().version();
  const fresh = `${memo}.${process.pid}`;
  fs.writeFileSync(fresh, found);
  fs.renameSync(fresh, memo);
  return found;
}

function fail(message) {
  process.stderr.write(`solc: ${message}\n`);
  process.exit(1);
}

function parse(argv) {
  const options = { folders: [process.cwd()], version: false, standardJson: false, input: '-' };
  const rest = argv.flatMap((word) => (/^--[a-z-]+=/.test(word) ? word.split(/=(.*)/s, 2) : [word]));
  while (rest.length) {
    const word = rest.shift();
    if (word === '--version') options.version = true;
    else if (word === '--standard-json') options.standardJson = true;
    else if (word === '--base-path') options.folders[0] = path.resolve(rest.shift());
    else if (word === '--include-path') options.folders.push(path.resolve(rest.shift()));
    else if (word === '--allow-paths') rest.shift(); // sources are only read, and only when a contract imports them
    else if (word === '-' || !word.startsWith('-')) options.input = word;
    else fail(`option ${word} is not supported here; only --version and --standard-json are`);
  }
  return options;
}

const options = parse(process.argv.slice(2));
if (options.version) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version()}\n`);
} else if (options.standardJson) {
  const read = (unit) => {
    const name = unit.replace(/^file:\/\//, '');
    const file = options.folders.map((folder) => path.resolve(folder, name)).find((candidate) => fs.existsSync(candidate));
    return file ? { contents: fs.readFileSync(file, 'utf8') } : { error: `"${unit}" not found in ${options.folders}` };
  };
  const input = fs.readFileSync(options.input === '-' ? 0 : options.input, 'utf8');
  process.stdout.write(`${compiler().compile(input, { import: read })}\n`);
} else {
  fail('give --version or --standard-json');
}
