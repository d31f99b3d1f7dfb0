# SPDX-License-Identifier: Apache-2.0
# Makes golden_proc.json: what pROC (Robin et al. 2011) says of the samples in
# golden.json: the AUC with DeLong's interval, and DeLong's paired test of two
# scores on the same rows.
#
#   Rscript golden_proc.R > golden_proc.json
#
# Made with R 4.2.2, pROC 1.18.0 and jsonlite 1.8.4 from Debian.
suppressMessages({library(pROC); library(jsonlite)})
g <- fromJSON("golden.json", simplifyDataFrame = FALSE)
out <- lapply(g$samples, function(s) {
  roc1 <- roc(s$label, s$pd, levels = c(0, 1), direction = "<", quiet = TRUE)
  roc2 <- roc(s$label, s$other, levels = c(0, 1), direction = "<", quiet = TRUE)
  ci <- as.numeric(ci.auc(roc1, method = "delong"))
  t <- roc.test(roc1, roc2, method = "delong", paired = TRUE)
  list(name = s$name, auc = ci[2], low = ci[1], high = ci[3], auc_other = as.numeric(auc(roc2)),
       z = as.numeric(t$statistic), p = as.numeric(t$p.value), variance = as.numeric(var(roc1, method = "delong")))
})
cat(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n", sep = "")
