// Checks objects against the Kubernetes schemas: kubernetes.mjs FILE, a JSON array; prints what is wrong with each, as JSON.
// The schemas allow any further field; one that no rule of them looked at is unknown, and said so too.
import { readFileSync } from "node:fs";

const asked = new WeakMap();
const views = new WeakMap();

// What the validator reads of an object is noted; a map is read whole.
function watch(value) {
  if (value === null || typeof value !== "object") return value;
  if (!views.has(value)) {
    asked.set(value, new Set());
    views.set(value, new Proxy(value, {
      get(target, key) {
        asked.get(target).add(key);
        return watch(target[key]);
      },
      ownKeys(target) {
        Object.keys(target).forEach((key) => asked.get(target).add(key));
        return Reflect.ownKeys(target);
      },
    }));
  }
  return views.get(value);
}

function unknown(value, path) {
  if (value === null || typeof value !== "object") return [];
  const known = asked.get(value);
  return Object.keys(value).flatMap((key) =>
    Array.isArray(value) || known?.has(key) ? unknown(value[key], `${path}/${key}`) : [`${path}/${key} is no field`]);
}

async function check(object) {
  const [version, group = "core"] = object.apiVersion.split("/").reverse();
  const [first] = group.split(".");
  const name = ["IoK8sApi", first, version, object.kind].map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  const { validate } = await import(`./node_modules/kubernetes-models/_schemas/${name}.js`);
  const errors = validate(watch(object)) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.keyword} ${JSON.stringify(e.params)}`);
  return [...errors, ...unknown(object, "")];
}

console.log(JSON.stringify(await Promise.all(JSON.parse(readFileSync(process.argv[2], "utf8")).map(check))));
