// Runs before everything else, on whatever Node is there: keep to what Node 16 understands, and to no dependency.
//
// Prints the folder of a Node of the pinned major: the running one's where it is, else the pinned package's. Where there is
// neither, it says which Node to install. npm links the package's binary as `node` by itself only from version 11 on, so
// nothing rests on that link (scripts/pinned-node.sh).
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const pinned = require('../package.json').optionalDependencies;
const platform = `${process.platform}-${process.arch}`;
const packageName = `node-${platform}`;
const versions = Object.keys(pinned)
  .filter((name) => name.startsWith('node-'))
  .map((name) => pinned[name]);
const wanted = versions[0];
const wantedMajor = wanted.split('.')[0];
const runningMajor = process.version.slice(1).split('.')[0];
const folder = path.join(__dirname, '..', 'node_modules', packageName, 'bin');

if (runningMajor === wantedMajor) {
  process.stdout.write(`${path.dirname(process.execPath)}\n`);
} else if (pinned[packageName] && fs.existsSync(path.join(folder, 'node'))) {
  process.stdout.write(`${folder}\n`);
} else {
  const why = pinned[packageName]
    ? `The pinned package ${packageName}, which brings it along, is not installed: run npm ci, without leaving optional packages out.`
    : `There is no pinned package that brings it along for ${platform}.`;
  process.stderr.write(
    `This project needs Node ${wantedMajor}; this is Node ${process.version.slice(1)}.\n${why}\n` +
      `Otherwise install Node ${wanted} (or a newer ${wantedMajor}.x) from https://nodejs.org and start again.\n`,
  );
  process.exitCode = 1;
}
