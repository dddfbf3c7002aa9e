// Before every test file (jest.config.mjs): tests must run years after the last update of the pins, when Debian's
// mirror has dropped them.
process.env['NIGHTJAR_PINS'] ??= 'newer';
