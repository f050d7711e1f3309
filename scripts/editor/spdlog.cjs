/**
 * Stands in for @vscode/spdlog, which would have to be compiled, in the editor of the tests: without it, output channels
 * stay empty. Writes at once, and never rotates.
 */
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

class Logger {
  constructor(path) {
    this.path = path;
    this.isRaw = false;
    this.level = 2;
  }
  write(level, text) {
    if (level < this.level && !this.isRaw) return;
    appendFileSync(this.path, this.isRaw ? text : `${new Date().toISOString()} ${text}\n`);
  }
  clearFormatters() {
    this.isRaw = true;
  }
  setLevel(level) {
    this.level = level;
  }
  setPattern() {}
  flush() {}
  drop() {}
}

for (const [level, name] of ['trace', 'debug', 'info', 'warn', 'error', 'critical'].entries()) {
  Logger.prototype[name] = function (text) {
    this.write(level, text);
  };
}

async function createAsyncRotatingLogger(_name, path) {
  mkdirSync(dirname(path), { recursive: true });
  return new Logger(path);
}

exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = createAsyncRotatingLogger;
exports.createAsyncRotatingLogger = createAsyncRotatingLogger;
