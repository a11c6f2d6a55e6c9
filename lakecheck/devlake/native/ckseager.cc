// Computes a checksum within the request that asks for one, when it is not stored yet.
// XRootD 5.5 otherwise starts a job for it, and its HTTP bridge then races: the request
// hangs for ever or the server crashes.
#include "XrdCks/XrdCksData.hh"
#include "XrdCks/XrdCksWrapper.hh"
#include "XrdVersion.hh"

namespace {
class EagerChecksum : public XrdCksWrapper {
public:
  EagerChecksum(XrdCks &inner, XrdSysError *log) : XrdCksWrapper(inner, log) {}

  int Get(const char *path, XrdCksData &checksum) override {
    int stored = cksPI.Get(path, checksum);
    if (stored > 0)
      return stored;
    int failed = cksPI.Calc(path, checksum, 1);
    return failed ? failed : cksPI.Get(path, checksum);
  }
};
} // namespace

XrdVERSIONINFO(XrdCksAdd2, eager);

extern "C" XrdCks *XrdCksAdd2(XrdCks &inner, XrdSysError *log, const char *, const char *,
                              XrdOucEnv *) {
  return new EagerChecksum(inner, log);
}
