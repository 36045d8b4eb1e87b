// Parses the PowerShell that comes on standard input and prints as JSON where it is
// wrong, which functions it has, and which commands it calls with which parameters.
import { readFileSync } from "node:fs";
import { Language, Parser } from "web-tree-sitter";

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load("node_modules/tree-sitter-powershell/tree-sitter-powershell.wasm"));
const root = parser.parse(readFileSync(0, "utf8")).rootNode;

const errors = [];
(function walk(node) {
  if (node.isError || node.isMissing) {
    errors.push(`line ${node.startPosition.row + 1}: ${node.isMissing ? "missing " + node.type : node.text.slice(0, 60)}`);
  }
  node.children.forEach(walk);
})(root);

const commands = root.descendantsOfType("command").map((command) => ({
  name: command.childForFieldName("command_name")?.text ?? "",
  parameters: (command.childForFieldName("command_elements")?.children ?? [])
    .filter((element) => element.type === "command_parameter")
    .map((element) => element.text),
}));
const functions = root.descendantsOfType("function_name").map((name) => name.text);
console.log(JSON.stringify({ errors, functions, commands }));
