// Signed with node:crypto, by Node 18 or newer and no package.
import { createHash, createHmac } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => "%" + one.charCodeAt(0).toString(16).toUpperCase());

/** Return the headers of a request, signed with Signature Version 4 for the service `lambda`. */
export function signedHeaders(method, url, body, { region, accessKeyId, secretAccessKey, sessionToken }) {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const headers = { host: url.host, "x-amz-date": time };
  if (sessionToken) headers["x-amz-security-token"] = sessionToken;
  const names = Object.keys(headers).sort();
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort().join("&");
  const canonical = [
    method, url.pathname, query, ...names.map((name) => `${name}:${headers[name]}`), "", names.join(";"), sha256(body),
  ].join("\n");
  const scope = `${date}/${region}/lambda/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [date, region, "lambda", "aws4_request"].reduce(hmac, "AWS4" + secretAccessKey);
  const signature = hmac(key, toSign).toString("hex");
  const credential = `${accessKeyId}/${scope}`;
  // fetch sets the host header itself.
  delete headers.host;
  headers.authorization =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

/** Return the answer's content; what is refused is a problem, with a `code`. */
export async function ask(method, path, content) {
  const { TOPICS_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const url = new URL(TOPICS_URL + path);
  const body = content === undefined ? "" : JSON.stringify(content);
  const headers = signedHeaders(method, url, body, {
    region: AWS_REGION,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  });
  if (body) headers["content-type"] = "application/json";
  return (await fetch(url, { method, headers, body: body || undefined })).json();
}
