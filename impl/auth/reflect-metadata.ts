// The container inside @peculiar/x509 will not load without the metadata functions of Reflect, and asks them only for what its classes do
// not have. So they answer that there is none.
Object.assign(Reflect, { getMetadata() {}, getOwnMetadata() {}, defineMetadata() {} });
