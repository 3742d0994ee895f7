// Ask about each file of --samples; nextflow run main.nf --samples 'samples/*.fa' --index my.index
include { VECATTR_QUERY } from './modules/vecattr/query/main'

workflow {
    samples = Channel.fromPath(params.samples).map { file -> [[id: file.baseName], file] }
    VECATTR_QUERY(samples, file(params.index))
}
