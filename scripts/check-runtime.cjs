// Runs before everything else, on whatever Node is there: keep to what Node 12 understands, and to no dependency.
'use strict';

const pinned = require('../package.json').optionalDependencies;
const operatingSystem = process.platform === 'win32' ? 'win' : process.platform;
const platform = `${operatingSystem}-${process.arch}`;
const versions = Object.keys(pinned)
  .filter((name) => name.startsWith('node-'))
  .map((name) => pinned[name]);
const wanted = versions[0];
const wantedMajor = wanted.split('.')[0];
const runningMajor = process.version.slice(1).split('.')[0];

if (runningMajor !== wantedMajor) {
  const packageName = `node-${platform}`;
  const why = pinned[packageName]
    ? `The pinned package ${packageName}, which brings it along, is not installed, or is bypassed: npm ci installs it unless optional packages are left out, and npm start and npm test use it.`
    : `There is no pinned package that brings it along for ${platform}.`;
  process.stderr.write(
    `This project needs Node ${wantedMajor}; this is Node ${process.version.slice(1)}.\n${why}\n` +
      `Otherwise install Node ${wanted} (or a newer ${wantedMajor}.x) from https://nodejs.org and start again.\n`,
  );
  process.exitCode = 1;
}
