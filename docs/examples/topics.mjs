// Ask the topic model's URL from JavaScript: Node 18 or newer, or anything else with fetch and node:crypto.
//
//   TOPICS_URL=https://….lambda-url.eu-west-1.on.aws/ AWS_REGION=eu-west-1 node docs/examples/topics.mjs "some text" …
import { createHash, createHmac } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => "%" + one.charCodeAt(0).toString(16).toUpperCase());

/** Return the headers of a request, signed with Signature Version 4 for the service `lambda`. */
function signedHeaders(method, url, body, { region, accessKeyId, secretAccessKey, sessionToken }) {
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

/** Return the predictions for some texts, in order. */
export async function topicsOf(documents, { url, top = 3, attempts = 4, ...credentials }) {
  const target = new URL(url);
  target.searchParams.set("top", top);
  const body = JSON.stringify({ documents });
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", ...signedHeaders("POST", target, body, credentials) },
      body,
    });
    const content = await answer.json().catch(() => ({}));
    if (answer.ok) return content.predictions;
    // Lambda's own refusals carry no problem document; its 429 and 502 to 504 may pass.
    const mayPass = content.retry ?? [429, 502, 503, 504].includes(answer.status);
    if (!mayPass || attempt >= attempts) {
      throw new Error(`${answer.status} ${content.code ?? "lambda"}: ${content.detail ?? content.Message ?? ""}`);
    }
    const seconds = Number(answer.headers.get("retry-after")) || Math.random() * 0.2 * 2 ** attempt;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

const { TOPICS_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
const documents = process.argv.slice(2);
const predictions = await topicsOf(documents, {
  url: TOPICS_URL,
  region: AWS_REGION,
  accessKeyId: AWS_ACCESS_KEY_ID,
  secretAccessKey: AWS_SECRET_ACCESS_KEY,
  sessionToken: AWS_SESSION_TOKEN,
});
predictions.forEach(({ topics }, index) => {
  const told = topics.map(({ label, weight }) => `${Math.round(weight * 100)}% ${label}`).join(", ");
  console.log(`${documents[index].slice(0, 40)}: ${told}`);
});
