# Sourced by the npm scripts: puts a Node of the pinned major in front of the PATH, or says which one to install.
PATH="$(node scripts/pinned-node.cjs):$PATH" || exit 1
export PATH
