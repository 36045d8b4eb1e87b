// Parses the Bicep that comes on standard input and prints as JSON where it is wrong, what
// it declares, and the body of each resource with sample values for its expressions.
import { readFileSync } from "node:fs";
import { Language, Parser } from "web-tree-sitter";

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load("node_modules/tree-sitter-bicep/tree-sitter-bicep.wasm"));
const source = readFileSync(0, "utf8");
const root = parser.parse(source).rootNode;

const functions = new Set(("base64 empty guid join loadTextContent managementGroup map range replace resourceGroup resourceId " +
  "subscription subscriptionResourceId tenantResourceId toLower").split(" "));
const decorators = new Set(["allowed", "description", "maxLength", "minLength", "secure"]);
const errors = [];
const report = (node, text) => errors.push(`line ${node.startPosition.row + 1}: ${text}`);
const all = (type) => root.descendantsOfType(type);
const named = (node) => node.namedChildren.filter((child) => child.type !== "comment");
const text = (node) => node.text.replace(/^'|'$/g, "");

// Declarations, those of loops and lambdas included.
const declared = new Map();
const declarations = new Set();
for (const kind of ["parameter", "variable", "resource", "module", "output"]) {
  for (const node of all(`${kind}_declaration`)) {
    const name = named(node)[0];
    declarations.add(name.id);
    if (kind !== "output") {
      if (declared.has(name.text)) report(node, `${name.text} is declared twice`);
      declared.set(name.text, node);
    }
  }
}
for (const node of [...all("for_statement"), ...all("lambda_expression")]) {
  const name = named(node)[0];
  declarations.add(name.id);
  declared.set(name.text, node);
}

(function walk(node) {
  if (node.isError || node.isMissing) report(node, node.isMissing ? `missing ${node.type}` : node.text.slice(0, 60));
  node.children.forEach(walk);
})(root);

const used = new Set();
for (const node of all("identifier")) {
  const parent = node.parent;
  const first = named(parent)[0]?.id === node.id;
  if (declarations.has(node.id) || (parent.type === "object_property" && first)) continue;
  if (source[node.endIndex] === "(") { // also in arrays, where the grammar has no call
    const known = parent.parent?.type === "decorator" ? decorators : functions;
    if (!known.has(node.text)) report(node, `unknown function ${node.text}`);
  } else if (!declared.has(node.text)) report(node, `unknown name ${node.text}`);
  else used.add(node.text);
}
for (const [name, node] of declared) {
  if (/^(parameter|variable)_/.test(node.type) && !used.has(name)) report(node, `${name} is not used`);
}

// value returns a sample of the expression's value.
function value(node) {
  const children = named(node);
  switch (node.type) {
    case "object":
      return Object.fromEntries(children.filter((c) => c.type === "object_property").map((property) => {
        const [key, content] = named(property);
        return [text(key), value(content)];
      }));
    case "array": return children.map(value);
    case "for_statement": {
      const body = value(children.at(-1));
      return node.parent.type === "resource_declaration" ? body : [body];
    }
    case "if_statement": return value(children.at(-1));
    case "number": return Number(node.text);
    case "boolean": return node.text === "true";
    case "binary_expression": return /==|!=|&&|\|\|/.test(node.text) ? true : node.text;
    case "identifier": {
      const target = declared.get(node.text);
      if (/^(parameter|variable)_/.test(target?.type ?? "") && named(target).length > 1) {
        const content = named(target).at(-1);
        if (content.type !== "type") return value(content);
        return content.text === "array" ? ["sample"] : content.text === "object" ? {} : "sample";
      }
    }
  }
  return text(node);
}

const parameters = all("parameter_declaration").map((node) => ({ name: named(node)[0].text, optional: named(node).at(-1).type !== "type" }));
const resources = all("resource_declaration").map((node) => {
  const [symbol, type, body] = named(node);
  return { symbol: symbol.text, type: text(type), body: value(body) };
});
const modules = all("module_declaration").map((node) => {
  const [symbol, path, body] = named(node);
  let object = body;
  while (object.type !== "object") object = named(object).at(-1);
  return { symbol: symbol.text, path: text(path), parameters: Object.keys(value(object).params ?? {}) };
});
console.log(JSON.stringify({ errors, parameters, resources, modules }));
