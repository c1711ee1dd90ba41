import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { createTokenIssuer } from "./tokens.ts";

it("issues tokens that the key set file verifies, with issuer, audience, subject and permissions", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tokens-"));
  try {
    const issuer = await createTokenIssuer(directory);
    const token = await issuer.issue({
      subject: "0190c0de-0000-7000-8000-000000000001",
      permissions: ["users.read"],
    });
    const keySetText = await readFile(issuer.jwksFile, "utf8");
    expect(keySetText).not.toContain('"d"');
    const verified = await jwtVerify(token, createLocalJWKSet(JSON.parse(keySetText)), {
      issuer: "grpc-ecommerce",
      audience: "grpc-ecommerce",
    });
    expect(verified.payload).toMatchObject({
      sub: "0190c0de-0000-7000-8000-000000000001",
      permissions: ["users.read"],
      roles: [],
    });
    expect(verified.protectedHeader.kid).toBe("harness");
  } finally {
    await rm(directory, { recursive: true });
  }
});
