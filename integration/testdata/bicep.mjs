// Parses the Bicep that comes on standard input and prints as JSON where it is wrong, its
// declarations, and the strings of its arrays by the variable that has them.
import { readFileSync } from "node:fs";
import { Language, Parser } from "web-tree-sitter";

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load("node_modules/tree-sitter-bicep/tree-sitter-bicep.wasm"));
const root = parser.parse(readFileSync(0, "utf8")).rootNode;

const errors = [];
(function walk(node) {
  if (node.isError || node.isMissing) {
    errors.push(`line ${node.startPosition.row + 1}: ${node.isMissing ? "missing " + node.type : node.text.slice(0, 60)}`);
  }
  node.children.forEach(walk);
})(root);

const declarations = root.namedChildren
  .filter((node) => /declaration/.test(node.type))
  .map((node) => node.text.split(/[={]/)[0].trim());
const strings = {};
for (const variable of root.descendantsOfType("variable_declaration")) {
  strings[variable.text.split(/\s+/)[1]] = variable.descendantsOfType("string").map((text) => text.text.slice(1, -1));
}
console.log(JSON.stringify({ errors, declarations, strings }));
