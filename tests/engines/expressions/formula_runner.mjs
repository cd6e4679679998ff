// Reads cases from standard input, one JSON document, and writes what formula.js makes of them.
import { readFileSync } from "node:fs";
import { compile } from "../../../templates/static/js/formula.js";

const { records, constants, links, trees } = JSON.parse(readFileSync(0, "utf8"));
const follow = (type, form, id) => links[`${type === "link" ? form : type}/${id}`];
const answers = trees.map((tree) => {
  const run = compile(tree);
  return records.map((record) => {
    try {
      return run({ ...constants, record, follow });
    } catch (error) {
      return { error: String(error) };
    }
  });
});
process.stdout.write(JSON.stringify(answers));
