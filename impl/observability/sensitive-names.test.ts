import { expect, test } from "vitest";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { CreatePaymentMethodRequest } from "#proto/ecommerce/v1/payment.ts";
import { CreateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { createLoggableFields } from "./loggable.ts";
import { sensitiveNames } from "./sensitive-names.ts";

const names = sensitiveNames(ecommerceSchema());
const loggableFields = createLoggableFields(names);

test("a message is logged without the fields that its contract marks, at any depth", () => {
  const profile = {
    givenName: "PLANTED",
    addresses: [{ label: "home", city: "PLANTED", countryCode: "GB" }],
  };
  const user = { userId: "u1", email: "PLANTED", profile };
  const shown = loggableFields({ request: CreateUserRequest.fromPartial({ user, password: "PLANTED" }) });
  expect(shown).toMatchObject({
    request: {
      user: {
        userId: "u1",
        email: "[personal]",
        profile: {
          givenName: "[personal]",
          addresses: [{ label: "home", city: "[personal]", countryCode: "GB" }],
        },
      },
      password: "[secret]",
    },
  });
  expect(JSON.stringify(shown)).not.toContain("PLANTED");
});

test("a field of a oneof is known by its case", () => {
  const chosen = { $case: "paymentMethodToken", value: "PLANTED" };
  expect(loggableFields({ chosen })).toEqual({
    chosen: { $case: "paymentMethodToken", value: "[secret]" },
  });
  const harmless = { $case: "orderId", value: "o1" };
  expect(loggableFields({ harmless })).toEqual({ harmless });
});

test("names of the schema and of the code are the same field, and cards are replaced as a whole", () => {
  expect([names.get("card_number"), names.get("cardNumber")]).toEqual(["[card]", "[card]"]);
  const card = { cardNumber: "PLANTED", cvc: "PLANTED", expiryMonth: 1 };
  expect(loggableFields(CreatePaymentMethodRequest.fromPartial({ card, requestId: "r" }))).toEqual({
    card: "[card]",
    requestId: "r",
  });
});

test("a schema without the option is refused", () => {
  expect(() =>
    sensitiveNames({ registry: { ...ecommerceSchema().registry, getExtension: () => undefined } }),
  ).toThrow("does not define the option ecommerce.v1.sensitivity");
});
